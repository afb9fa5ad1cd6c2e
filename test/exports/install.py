"""Lets the validator, which asks for Python 3.12, run on older ones: one expression in it is written in a syntax that they do not know."""
import importlib.util
import pathlib
import sys

if sys.version_info < (3, 12):
    package = importlib.util.find_spec("focus_validator")
    path = pathlib.Path(package.origin).parent / "config_objects" / "focus_to_duckdb_converter.py"
    text = path.read_text()
    newer = """f"'{k.replace('\\"', '\\"\\"')}'" for k in"""
    older = """"'" + k.replace('"', '""') + "'" for k in"""
    if text.count(newer) != 1:
        sys.exit("The validator is not the one that this script knows: use Python 3.12 or newer.")
    path.write_text(text.replace(newer, older))
