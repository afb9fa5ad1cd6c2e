const textOf = (node) => {
  if (node.type === 'StringLiteral') return node.value;
  if (node.type === 'TemplateLiteral') return node.quasis.map(({ value }) => value.raw).join('');
  return '';
};

/** Leaves alone what people or the database read, and not the program: a text with a space in it. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'sentences',
    value: {
      shouldIgnore: ({ node }) =>
        textOf(node).includes(' ') ? 'Sentences and SQL are not mutated' : undefined,
    },
  },
];
