import { progress } from '../../../services/cli/print.ts';
import type { Loaded } from './loaded.ts';
import { openScene } from '../scene.ts';
import type { Servers } from '../servers.ts';
import { totalsOf, type LoadOptions } from './load.ts';
import { writeLoad } from './write-load.ts';

/** The loads of a run: each is written once, when it is asked for. */
export class Loads {
  private readonly servers: Servers;
  private readonly usual: LoadOptions;
  private readonly say: (text: string) => void;
  private readonly written = new Map<string, Promise<Loaded>>();

  constructor(servers: Servers, usual: LoadOptions, say: (text: string) => void) {
    this.servers = servers;
    this.usual = usual;
    this.say = say;
  }

  get(variant: Partial<LoadOptions> = {}): Promise<Loaded> {
    const options: LoadOptions = { ...this.usual, ...variant };
    const name = JSON.stringify(options);
    const known = this.written.get(name);
    if (known) return known;
    const loaded = this.write(options, `load_${String(this.written.size + 1)}`);
    this.written.set(name, loaded);
    return loaded;
  }

  private async write(options: LoadOptions, name: string): Promise<Loaded> {
    const scene = await openScene(this.servers, name);
    const totals = totalsOf(options);
    const shown = progress('Records written:');
    const load = await writeLoad(scene, options, (written) => shown.at(written));
    shown.end();
    this.say(
      `Wrote ${totals.records.toLocaleString('en')} records of ${(load.bytes / totals.records).toFixed(0)} bytes, key included, ` +
        `in ${load.seconds.toFixed(0)} s: ${totals.events.toLocaleString('en')} events, ${totals.windows.toLocaleString('en')} windows.`,
    );
    return { scene, load, totals };
  }
}
