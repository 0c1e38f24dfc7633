import { write } from "./wasi";

// fail takes the place of abort: what a throw says comes to the host as the
// reason of the fault.
export function fail(message: string | null, file: string | null, line: u32, column: u32): void {
  write(2, "panic: " + (message ? message : "it failed") + "\n");
  unreachable();
}
