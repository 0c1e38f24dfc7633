// Just enough JSON: reading any document, writing texts.

// Value is a value of a document. One that is absent is empty, so that a path
// can be followed without asking at each turn.
export class Value {
  text: string = ""; // of a string; a number, true and false as written
  names: string[] = []; // of an object, beside its items
  items: Value[] = []; // of an object or a list

  get(name: string): Value {
    const at = this.names.lastIndexOf(name);
    return at < 0 ? new Value() : this.items[at];
  }
}

export function parse(text: string): Value {
  const reader = new Reader(text);
  const value = reader.value();
  if (reader.next() != 0) {
    throw new Error("JSON goes on after its end");
  }
  return value;
}

class Reader {
  at: i32 = 0;
  constructor(private text: string) {}

  // next is the next character that is no blank, or 0 at the end.
  next(): i32 {
    while (this.at < this.text.length) {
      const c = this.text.charCodeAt(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) {
        return c;
      }
      this.at++;
    }
    return 0;
  }

  take(c: i32): void {
    if (this.next() != c) {
      throw new Error("JSON at " + this.at.toString() + ": expected " + String.fromCharCode(c));
    }
    this.at++;
  }

  value(): Value {
    const value = new Value();
    const c = this.next();
    if (c == 0x7b) {
      this.members(value, 0x7d, true);
    } else if (c == 0x5b) {
      this.members(value, 0x5d, false);
    } else if (c == 0x22) {
      value.text = this.string();
    } else {
      value.text = this.word();
    }
    return value;
  }

  members(into: Value, close: i32, named: bool): void {
    this.at++;
    if (this.next() == close) {
      this.at++;
      return;
    }
    while (true) {
      if (named) {
        this.next();
        into.names.push(this.string());
        this.take(0x3a);
      }
      into.items.push(this.value());
      if (this.next() == close) {
        this.at++;
        return;
      }
      this.take(0x2c);
    }
  }

  // word is a number, true, false or null; null is as good as nothing.
  word(): string {
    const from = this.at;
    while (this.at < this.text.length && ",]} \n\r\t".indexOf(this.text.charAt(this.at)) < 0) {
      this.at++;
    }
    const word = this.text.substring(from, this.at);
    return word == "null" ? "" : word;
  }

  string(): string {
    this.take(0x22);
    let out = "";
    let from = this.at;
    while (true) {
      const c = this.text.charCodeAt(this.at);
      if (this.at >= this.text.length) {
        throw new Error("JSON ends inside a text");
      }
      if (c == 0x22) {
        out += this.text.substring(from, this.at++);
        return out;
      }
      if (c == 0x5c) {
        out += this.text.substring(from, this.at) + this.escaped();
        from = this.at;
        continue;
      }
      this.at++;
    }
  }

  // escaped reads what stands behind a backslash.
  escaped(): string {
    const c = this.text.charAt(this.at + 1);
    this.at += 2;
    const short = "bfnrt".indexOf(c);
    if (short >= 0) {
      return "\b\f\n\r\t".charAt(short);
    }
    if (c != "u") {
      return c;
    }
    this.at += 4;
    return String.fromCharCode(<i32>parseInt(this.text.substring(this.at - 4, this.at), 16));
  }
}

// quote writes a text.
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 0x22 || c == 0x5c) {
      out += "\\" + text.charAt(i);
    } else if (c < 0x20) {
      out += "\\u00" + (c < 16 ? "0" : "") + c.toString(16);
    } else {
      out += text.charAt(i);
    }
  }
  return out + '"';
}
