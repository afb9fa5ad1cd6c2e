import ts from 'typescript';
import { documentAt, filesOf } from './markdown.ts';

const textOf = (path: string): string => documentAt(path).text;

const SETTING = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;

/**
 * The settings that a source reads: what it takes from the environment by name, and the names of those
 * shapes of zod that `parseEnvironment` reads.
 */
const settingsIn = (path: string): readonly string[] => {
  const text = textOf(path);
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const hasShapes = /from 'zod'|process\/config\.ts'/.test(text) || path.endsWith('/config.ts');
  const found: string[] = [];
  const isEnvironment = (node: ts.Expression): boolean =>
    ['environment', 'process.env'].includes(node.getText(file));
  const visit = (node: ts.Node): void => {
    if (ts.isElementAccessExpression(node) && isEnvironment(node.expression)) {
      if (ts.isStringLiteral(node.argumentExpression)) found.push(node.argumentExpression.text);
    } else if (ts.isPropertyAccessExpression(node) && isEnvironment(node.expression)) {
      found.push(node.name.text);
    } else if (hasShapes && ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
      found.push(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.filter((name) => SETTING.test(name));
};

/** Every setting that a service or a command reads. */
export const settingsOfCode: ReadonlySet<string> = new Set(
  filesOf('services')
    .filter((path) => /\.(ts|mjs)$/.test(path) && !/\.test\.ts$|\.d\.m?ts$/.test(path))
    .flatMap(settingsIn),
);
