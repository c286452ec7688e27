// The protocol of nnlaws, docs/protocol.md, for clients in JavaScript whose operations are asynchronous, or ask.
//
// serve(facts, operations): each operation is a function of named arrays, and of ask, that returns named arrays. An array
// is {dtype, shape, values}.

import { createInterface } from "node:readline";

const whole = (n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n); // beyond 2^53 a BigInt stays one

const types = {
  float32: [4, (b, at) => b.readFloatLE(at), (b, x, at) => b.writeFloatLE(x, at)],
  float64: [8, (b, at) => b.readDoubleLE(at), (b, x, at) => b.writeDoubleLE(x, at)],
  int64: [8, (b, at) => whole(b.readBigInt64LE(at)), (b, x, at) => b.writeBigInt64LE(BigInt(x), at)],
  bool: [1, (b, at) => b[at] !== 0, (b, x, at) => (b[at] = x ? 1 : 0)],
};

export const array = (dtype, shape, values) => ({ dtype, shape, values });

export function read(word) {
  const [, name, dtype, shape, data] = /^(\w+)=(\w+)\[([\d,]*)\]:([0-9a-f]*)$/.exec(word);
  const [size, get] = types[dtype];
  const bytes = Buffer.from(data, "hex");
  const values = Array.from({ length: bytes.length / size }, (_, number) => get(bytes, number * size));
  return [name, array(dtype, shape ? shape.split(",").map(Number) : [], values)];
}

export function written([name, { dtype, shape, values }]) {
  const [size, , put] = types[dtype];
  const bytes = Buffer.alloc(values.length * size);
  values.forEach((value, number) => put(bytes, value, number * size));
  return `${name}=${dtype}[${shape}]:${bytes.toString("hex")}`;
}

export async function serve(facts, operations) {
  const say = (...words) => process.stdout.write(words.join(" ") + "\n");
  for (const quiet of ["log", "info", "warn"]) console[quiet] = console.error; // libraries talk, and only answers may
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let asked = 0;
  const ask = async (name, given) => {
    say(`ask ${++asked} ${name}`, ...Object.entries(given).map(written));
    const [kind, , ...words] = (await lines.next()).value.split(" ");
    if (kind !== "told") throw new Error(words.join(" "));
    return Object.fromEntries(words.map(read));
  };
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const [kind, number, operation, ...words] = line.value.split(" ");
    if (kind === "hello") {
      const all = { ...facts, language: "javascript", operations: Object.keys(operations) };
      say("hello 1", ...Object.entries(all).map(([fact, value]) => `${fact}=${value}`));
    } else if (!(operation in operations)) {
      say(`absent ${number}`);
    } else {
      try {
        const results = await operations[operation](Object.fromEntries(words.map(read)), ask);
        say(`done ${number}`, ...Object.entries(results).map(written));
      } catch (error) {
        say(`failed ${number}`, String(error).replace(/\s+/g, " "));
      }
    }
  }
}
