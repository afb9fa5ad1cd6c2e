import { InvalidArgumentError } from 'commander';

/** Parses the value of an option. If it is refused, commander says which option it is. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `it must be a whole number from ${String(min)} to ${String(max)}`,
    );
  };
