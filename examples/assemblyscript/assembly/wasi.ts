// What a plugin may use of WASI: reading its document, writing its answer.

@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovecs: usize, count: i32, size: usize): i32;

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovecs: usize, count: i32, size: usize): i32;

const chunk = 64 * 1024;
const iovec = memory.data(8); // an address and a size
const moved = memory.data(4);

// readAll reads UTF-8 to the end.
export function readAll(fd: i32): string {
  let bytes = new Uint8Array(chunk);
  let size = 0;
  while (true) {
    if (bytes.length - size < chunk) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
    }
    store<usize>(iovec, bytes.dataStart + size);
    store<usize>(iovec + 4, bytes.length - size);
    if (fd_read(fd, iovec, 1, moved) != 0) {
      throw new Error("cannot read");
    }
    const got = load<i32>(moved);
    if (got == 0) {
      return String.UTF8.decodeUnsafe(bytes.dataStart, size);
    }
    size += got;
  }
}

// write writes text as UTF-8.
export function write(fd: i32, text: string): void {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let at = 0;
  while (at < bytes.length) {
    store<usize>(iovec, bytes.dataStart + at);
    store<usize>(iovec + 4, bytes.length - at);
    if (fd_write(fd, iovec, 1, moved) != 0) {
      unreachable();
    }
    at += load<i32>(moved);
  }
}
