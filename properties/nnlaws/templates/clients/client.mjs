// A client of nnlaws in JavaScript: it reads calls from standard input, and writes what they return.
//
// Each operation is a function of named arrays that returns named arrays: `operations` has them. An array is
// {dtype, shape, values}, its numbers in one row. The protocol is in docs/protocol.md of nnlaws.

import { createInterface } from "node:readline";

const operations = {
  softmax({ z }) {
    const [rows, columns] = z.shape;
    const values = new Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const x = z.values.slice(row * columns, (row + 1) * columns);
      const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
      const powers = x.map((each) => Math.exp(each - largest));
      const sum = powers.reduce((total, each) => total + each, 0);
      powers.forEach((each, column) => (values[row * columns + column] = each / sum));
    }
    return { a: { ...z, values } };
  },
};

const types = {
  float32: [4, (b, at) => b.readFloatLE(at), (b, x, at) => b.writeFloatLE(x, at)],
  float64: [8, (b, at) => b.readDoubleLE(at), (b, x, at) => b.writeDoubleLE(x, at)],
  int64: [8, (b, at) => Number(b.readBigInt64LE(at)), (b, x, at) => b.writeBigInt64LE(BigInt(x), at)],
  bool: [1, (b, at) => b[at] !== 0, (b, x, at) => (b[at] = x ? 1 : 0)],
};

// z=float32[2,3]: and the bytes in hexadecimal, the lowest first
function read(word) {
  const [, name, dtype, shape, data] = /^(\w+)=(\w+)\[([\d,]*)\]:([0-9a-f]*)$/.exec(word);
  const [size, get] = types[dtype];
  const bytes = Buffer.from(data, "hex");
  const values = Array.from({ length: bytes.length / size }, (_, number) => get(bytes, number * size));
  return [name, { dtype, shape: shape ? shape.split(",").map(Number) : [], values }];
}

function written([name, { dtype, shape, values }]) {
  const [size, , put] = types[dtype];
  const bytes = Buffer.alloc(values.length * size);
  values.forEach((value, number) => put(bytes, value, number * size));
  return `${name}=${dtype}[${shape}]:${bytes.toString("hex")}`;
}

function answer(line) {
  const [kind, number, operation, ...words] = line.split(" ");
  if (kind === "hello")
    return `hello 1 name=mine language=javascript dtypes=float32,float64 operations=${Object.keys(operations)}`;
  if (!(operation in operations)) return `absent ${number}`;
  try {
    const results = operations[operation](Object.fromEntries(words.map(read)));
    return [`done ${number}`, ...Object.entries(results).map(written)].join(" ");
  } catch (error) {
    return `failed ${number} ${String(error).replace(/\s+/g, " ")}`;
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(answer(line));
