// A client of nnlaws in Java: it reads calls from standard input, and writes what they return.
//
// Each operation is a function of named arrays that returns named arrays: OPERATIONS has them. An array is a type, a
// shape, and its bytes, the lowest first. The protocol is in docs/protocol.md of nnlaws.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

class Client {
    record Array(String dtype, int[] shape, ByteBuffer bytes) {
        boolean single() { return dtype.equals("float32"); }

        double at(int i) { return single() ? bytes.getFloat(4 * i) : bytes.getDouble(8 * i); }

        void put(int i, double x) {
            if (single()) bytes.putFloat(4 * i, (float) x); else bytes.putDouble(8 * i, x);
        }

        Array like() { return new Array(dtype, shape, buffer(new byte[bytes.capacity()])); }
    }

    static final Map<String, Function<Map<String, Array>, Map<String, Array>>> OPERATIONS =
        new TreeMap<>(Map.of("softmax", Client::softmax));

    static Map<String, Array> softmax(Map<String, Array> given) {
        Array z = given.get("z"), a = z.like();
        int rows = z.shape()[0], columns = z.shape()[1];
        for (int row = 0; row < rows; row++) {
            int first = row * columns, beyond = first + columns;
            double largest = Double.NEGATIVE_INFINITY, sum = 0;
            for (int i = first; i < beyond; i++) largest = Math.max(largest, z.at(i));
            double[] powers = new double[columns];
            for (int i = first; i < beyond; i++) sum += powers[i - first] = Math.exp(z.at(i) - largest);
            for (int i = first; i < beyond; i++) a.put(i, powers[i - first] / sum);
        }
        return Map.of("a", a);
    }

    static ByteBuffer buffer(byte[] bytes) { return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN); }

    // z=float32[2,3]: and the bytes in hexadecimal
    static Map.Entry<String, Array> read(String word) {
        int equals = word.indexOf('='), opening = word.indexOf('['), closing = word.indexOf("]:");
        String sizes = word.substring(opening + 1, closing);
        int[] shape = sizes.isEmpty() ? new int[0] : Arrays.stream(sizes.split(",")).mapToInt(Integer::parseInt).toArray();
        ByteBuffer bytes = buffer(HexFormat.of().parseHex(word.substring(closing + 2)));
        return Map.entry(word.substring(0, equals), new Array(word.substring(equals + 1, opening), shape, bytes));
    }

    static String written(String name, Array array) {
        String shape = Arrays.stream(array.shape()).mapToObj(Integer::toString).collect(Collectors.joining(","));
        return name + "=" + array.dtype() + "[" + shape + "]:" + HexFormat.of().formatHex(array.bytes().array());
    }

    static String answer(String line) {
        String[] words = line.split(" ");
        if (words[0].equals("hello"))
            return "hello 1 name=mine language=java dtypes=float32,float64 operations="
                + String.join(",", OPERATIONS.keySet());
        var operation = OPERATIONS.get(words[2]);
        if (operation == null) return "absent " + words[1];
        try {
            Map<String, Array> given = new TreeMap<>();
            for (int i = 3; i < words.length; i++) {
                var each = read(words[i]);
                given.put(each.getKey(), each.getValue());
            }
            StringBuilder result = new StringBuilder("done " + words[1]);
            operation.apply(given).forEach((name, array) -> result.append(" ").append(written(name, array)));
            return result.toString();
        } catch (RuntimeException error) {
            return "failed " + words[1] + " " + String.valueOf(error).replaceAll("\\s+", " ");
        }
    }

    public static void main(String[] none) throws java.io.IOException {
        var input = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = input.readLine()) != null;) System.out.println(answer(line));
    }
}
