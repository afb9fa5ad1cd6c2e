import { printableLines } from '../../shared/terminal/printable.ts';

/**
 * Tells the person at the terminal what happens: one line for each step, with the seconds that it took.
 */
export class Reporter {
  private readonly began = Date.now();
  private stepBegan = Date.now();
  private what = '';
  private open = false;

  /** Begins a step. The previous step counts as done. */
  step(what: string): void {
    this.done();
    this.stepBegan = Date.now();
    this.what = what;
    this.open = true;
    process.stdout.write(`• ${what} …`);
  }

  /** Shows the progress of a long step, such as "70 records", on a terminal. */
  progress(count: number, unit: string): void {
    if (!this.open || !process.stdout.isTTY) return;
    process.stdout.write(`\r• ${this.what} … ${count.toLocaleString('en')} ${unit}\u001b[K`);
  }

  /** Ends the step. */
  done(result = ''): void {
    if (!this.open) return;
    this.open = false;
    const seconds = ((Date.now() - this.stepBegan) / 1000).toFixed(1);
    process.stdout.write(`${result && ` ${printableLines(result)}`} (${seconds} s)\n`);
  }

  /** A line or more between steps. */
  note(text: string): void {
    if (this.open) process.stdout.write('\n');
    this.open = false;
    process.stdout.write(`${printableLines(text)}\n`);
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (Date.now() - this.began) / 1000;
  }
}
