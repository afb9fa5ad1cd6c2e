"""Prints the number of rows of a Parquet file and the exact sum of one of its columns, as Apache Arrow reads them."""
import decimal
import json
import sys

import pyarrow.parquet

decimal.getcontext().prec = 200
column = pyarrow.parquet.read_table(sys.argv[1]).column(sys.argv[2])
total = sum((value.as_py() for value in column), decimal.Decimal(0))
text = format(total, "f").rstrip("0").rstrip(".")
print(json.dumps({"rows": len(column), "quantity": text}))
