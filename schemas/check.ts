/** `npm run schemas:check`: the registry is whole, and every version reads the ones before it. */
import { incompatibilities, repeated } from '../services/shared/avro/compatibility.ts';
import { readSchemaDirectory } from '../services/shared/avro/schema-directory.ts';
import { explain } from '../services/shared/process/explain.ts';
import { readMeterCatalog } from '../services/shared/meters/meter-catalog.ts';

try {
  const schemas = readSchemaDirectory();
  const problems = [
    ...repeated(schemas).map((name) => `${name} is published twice`),
    ...incompatibilities(schemas).map(
      ({ subject, version, earlier, problem }) =>
        `${subject} version ${String(version)} cannot read records of version ${String(earlier)}: ${problem}`,
    ),
  ];
  for (const problem of problems) console.error(problem);
  const meters = readMeterCatalog();
  console.log(
    `${String(schemas.length)} schemas, ${String(meters.length)} meters, ${String(problems.length)} problems`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
