/** Clients refuse an answer with more than some 16 KiB of headers; this leaves room for others. */
const MAX_LENGTH = 4096;

/** A list as the value of a header; where it is too long, it ends with how many more there are. */
export const listHeader = (items: readonly string[]): string => {
  let text = '';
  for (const [index, item] of items.entries()) {
    const longer = index === 0 ? item : `${text}, ${item}`;
    if (longer.length > MAX_LENGTH) return `${text}, and ${String(items.length - index)} more`;
    text = longer;
  }
  return text;
};
