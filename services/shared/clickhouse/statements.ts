/**
 * The statements of a migration: plain SQL, each ended by a semicolon at the end of a line. `CREATE` is
 * made repeatable, because an interrupted migration runs again from its first statement, and two processes
 * may run the same migration at once. For the same reason every other statement must be written with `IF
 * [NOT] EXISTS`.
 */
export const statementsOf = (sql: string): readonly string[] =>
  sql
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
    .map((statement) =>
      statement.replace(
        /^CREATE\s+(TABLE|VIEW|MATERIALIZED\s+VIEW|DICTIONARY)\s+(?!IF\s)/i,
        'CREATE $1 IF NOT EXISTS ',
      ),
    );
