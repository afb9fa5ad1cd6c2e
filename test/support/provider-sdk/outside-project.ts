import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../../../services/shared/process/repository.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

export const SDK_NAME = '@usage-pipeline/provider-sdk';

/** A service of somebody else, in a directory of its own, with the packed SDK installed as npm would. */
export class OutsideProject {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<OutsideProject> {
    const project = new OutsideProject(await mkdtemp(join(tmpdir(), 'usage-sdk-consumer-')));
    const { directory } = project;
    const installed = join(directory, 'node_modules', SDK_NAME);
    await run('npm', ['run', '-s', 'sdk:build'], { cwd: inRepository('.') });
    const packed = ['pack', inRepository('dist/provider-sdk'), '--pack-destination', directory];
    const { stdout } = await run('npm', [...packed, '--json'], { cwd: directory });
    const [{ filename } = { filename: '' }] = JSON.parse(stdout) as { filename: string }[];
    await mkdir(installed, { recursive: true });
    await run('tar', ['-xzf', join(directory, filename), '-C', installed, '--strip-components=1']);
    const manifest = await readFile(join(installed, 'package.json'), 'utf8');
    const { dependencies } = JSON.parse(manifest) as {
      dependencies: Readonly<Record<string, string>>;
    };
    for (const name of [...Object.keys(dependencies), '@types/node']) await project.link(name);
    await writeFile(join(directory, 'package.json'), JSON.stringify({ type: 'module' }));
    return project;
  }

  /** Installs a package that the repository has. */
  async link(name: string): Promise<void> {
    const path = join(this.directory, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(inRepository(`node_modules/${name}`), path);
  }

  /** What the compiler finds, with the types of the package; nothing if the program can be run. */
  compile(...args: readonly string[]): Promise<string> {
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
    return run(process.execPath, [compiler, ...args], { cwd: this.directory }).then(
      () => '',
      (error: unknown) => (error as { stdout: string }).stdout,
    );
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
