import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.Properties;

/**
 * What a tool on the official JDBC driver does (DBeaver, Metabase and others use it): run by main.ts.
 * Arguments: the JDBC URL, and one set of properties each, as name=value with commas between. Prints
 * a line for each check; exit code 1 if one failed.
 */
public class Jdbc {
    interface Check {
        Object run() throws Exception;
    }

    static final String LARGE = "999999999999999.000000000000000000000000000001";
    static int failed = 0;

    static void check(String name, Object expected, Check check) {
        Object found;
        try {
            found = check.run();
        } catch (Throwable error) {
            found = error;
        }
        boolean holds = String.valueOf(expected).equals(String.valueOf(found));
        if (!holds) failed += 1;
        System.out.println((holds ? "ok      " : "FAILED  ") + name + (holds ? "" : ": " + found));
    }

    /** The engine's code and text of what a statement ends with. */
    static String errorOf(Check check) throws Exception {
        try {
            check.run();
            return "no error";
        } catch (SQLException error) {
            String text = String.valueOf(error.getMessage());
            int end = text.indexOf(". DB::Exception");
            return end < 0 ? text : text.substring(0, end);
        }
    }

    static ResultSet query(Connection connection, String sql) throws SQLException {
        return connection.createStatement().executeQuery(sql);
    }

    static long rows(ResultSet result) throws SQLException {
        long count = 0;
        while (result.next()) count += 1;
        return count;
    }

    static String first(ResultSet result, int columns) throws SQLException {
        result.next();
        StringBuilder text = new StringBuilder();
        for (int column = 1; column <= columns; column += 1) {
            text.append(column > 1 ? " " : "").append(result.getString(column));
        }
        return text.toString();
    }

    static void checkAll(String url, Properties properties) throws Exception {
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            check("version", true, () -> connection.getMetaData().getDatabaseProductVersion().matches("\\d+\\.\\d+.*"));
            // Databases are schemas to one generation of the driver, catalogs to the other.
            check("databases", true, () -> rows(connection.getMetaData().getSchemas())
                + rows(connection.getMetaData().getCatalogs()) > 2);
            check("create", 0, () -> connection.createStatement().executeUpdate(
                "CREATE OR REPLACE TABLE t (a Int64, d Decimal(76, 30), at DateTime('UTC')) ENGINE = MergeTree ORDER BY a COMMENT 'of a test'"));
            check("tables", 1L, () -> rows(connection.getMetaData().getTables(null, "default", "t", new String[] {"TABLE"})));
            check("columns", 3L, () -> rows(connection.getMetaData().getColumns(null, "default", "t", "%")));
            check("batch", 5000, () -> {
                PreparedStatement insert = connection.prepareStatement("INSERT INTO t (a, d, at) VALUES (?, ?, ?)");
                for (int a = 0; a < 5000; a += 1) {
                    insert.setLong(1, a);
                    insert.setBigDecimal(2, new BigDecimal(LARGE));
                    insert.setTimestamp(3, Timestamp.valueOf("2020-01-01 00:00:00"));
                    insert.addBatch();
                }
                return insert.executeBatch().length;
            });
            check("sum", "5000 4999999999999995000.000000000000000000000000005",
                () -> first(query(connection, "SELECT count(), toString(sum(d)) FROM t"), 2));
            check("decimal", new BigDecimal(LARGE), () -> {
                ResultSet result = query(connection, "SELECT d FROM t LIMIT 1");
                result.next();
                return result.getBigDecimal(1);
            });
            check("prepared", "5", () -> {
                PreparedStatement select = connection.prepareStatement("SELECT count() FROM t WHERE a < ? AND at > ?");
                select.setLong(1, 5);
                select.setTimestamp(2, Timestamp.valueOf("2019-01-01 00:00:00"));
                return first(select.executeQuery(), 1);
            });
            check("a large result", 500_000L, () -> rows(query(connection, "SELECT number, toString(number) FROM numbers(500000)")));
            check("an error", "Code: 47", () -> errorOf(() -> query(connection, "SELECT nope")));
            check("an error after the first rows", "Code: 395",
                () -> errorOf(() -> rows(query(connection, "SELECT number, throwIf(number = 3000000) FROM numbers(4000000)"))));
            check("what leaves the data directory", "Code: 497",
                () -> errorOf(() -> query(connection, "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')")));
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (int index = 1; index < arguments.length; index += 1) {
            Properties properties = new Properties();
            properties.put("user", System.getenv("CLICKHOUSE_USER"));
            properties.put("password", System.getenv("CLICKHOUSE_PASSWORD"));
            for (String pair : arguments[index].split(",")) {
                if (pair.contains("=")) properties.put(pair.split("=")[0], pair.split("=")[1]);
            }
            System.out.println("-- " + (arguments[index].isEmpty() ? "as it comes" : arguments[index]));
            checkAll(arguments[0], properties);
        }
        System.exit(failed == 0 ? 0 : 1);
    }
}
