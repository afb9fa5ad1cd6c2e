import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitOf } from '../../development/local/child-process.ts';
import { nodeArguments } from './repository.ts';

const SERVICE = nodeArguments('test/support/logging-service-main.ts');

test.each(['talking', 'silent'])(
  'a %s service whose reader is gone goes on, and ends when it is asked to',
  async (kind) => {
    const child = spawn(process.execPath, [...SERVICE, kind], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const exited = exitOf(child);
    await once(child, 'message');
    child.stdout?.destroy();
    child.stderr?.destroy();
    const later = new Promise<null>((resolve) => setTimeout(() => resolve(null), 300));
    expect(await Promise.race([exited, later])).toBeNull();
    child.kill('SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
  },
);
