"""Prints the number of rows of a Parquet file and the exact sum of one of its columns, as Apache Arrow, Polars or DuckDB read them."""
import decimal
import json
import sys

decimal.getcontext().prec = 200
reader, path, name = sys.argv[1:]

if reader == "arrow":
    import pyarrow.parquet

    values = [value.as_py() for value in pyarrow.parquet.read_table(path).column(name)]
elif reader == "polars":
    import polars

    values = polars.read_parquet(path)[name].to_list()
elif reader == "duckdb":
    import duckdb

    values = [row[0] for row in duckdb.sql(f"SELECT {name} FROM read_parquet('{path}')").fetchall()]
else:
    sys.exit(f"no reader {reader}")

# A reader that turns decimals into doubles has lost digits, whatever their sum is.
if any(isinstance(value, float) for value in values):
    sys.exit(f"{reader} reads {name} as doubles")
total = sum((decimal.Decimal(value) for value in values), decimal.Decimal(0))
text = format(total, "f").rstrip("0").rstrip(".")
print(json.dumps({"rows": len(values), "quantity": text}))
