/**
 * Clients refuse an answer with more than about 16 KiB of headers. This leaves room for other headers.
 */
const MAX_LENGTH = 4096;

/**
 * A list as the value of a header. A list that is too long is cut, and ends with the number of missing
 * items.
 */
export const listHeader = (items: readonly string[]): string => {
  let text = '';
  for (const [index, item] of items.entries()) {
    const longer = index === 0 ? item : `${text}, ${item}`;
    if (longer.length > MAX_LENGTH) return `${text}, and ${String(items.length - index)} more`;
    text = longer;
  }
  return text;
};
