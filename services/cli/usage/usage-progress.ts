import { cut, printable } from '../../shared/terminal/printable.ts';
import type { Millis } from '../../shared/model/time.ts';
import type { UsageWait } from '../../shared/usage-client/usage-client.ts';

/** A terminal to draw on. */
interface Terminal {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): unknown;
}

const BAR = 20;
const REDRAW_MILLIS = 100;

/** `[#####---------------]  25 %  12,000 rows` */
export const barText = (share: number, rows: number): string => {
  const full = Math.floor(Math.min(Math.max(share, 0), 1) * BAR);
  const percent = String(Math.floor((full / BAR) * 100)).padStart(3);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${percent} %  ${rows.toLocaleString('en')} rows`;
};

/** `ProcessingNotComplete: The usage reported in … Asking again in 30 s.` */
const waitText = ({ failure, waitMillis }: UsageWait): string =>
  `Asking again in ${String(Math.ceil(waitMillis / 1000))} s (Ctrl-C ends): ${printable(failure.message)}`;

/**
 * Shows how far a walk over rows is, as one line that is rewritten on a terminal. In a pipe it shows
 * nothing. Rows come in the order of their usage time, which says how far the walk is.
 */
export class UsageProgress {
  private readonly from: Millis;
  private readonly to: Millis;
  private readonly terminal: Terminal | null;
  private last = 0;
  private rows = 0;
  private shown = false;

  /** @param isHidden if the rows themselves are written to the terminal */
  constructor(
    { from, to }: { readonly from: Millis; readonly to: Millis },
    isHidden: boolean,
    terminal: Terminal = process.stderr,
  ) {
    this.from = from;
    this.to = to;
    this.terminal = terminal.isTTY && !isHidden ? terminal : null;
  }

  begin(): void {
    this.draw(barText(0, 0));
  }

  row(usageStart: Millis): void {
    this.rows++;
    if (this.terminal === null || Date.now() - this.last < REDRAW_MILLIS) return;
    this.last = Date.now();
    this.draw(barText((usageStart - this.from) / (this.to - this.from), this.rows));
  }

  wait(wait: UsageWait): void {
    this.draw(waitText(wait));
  }

  end(): void {
    if (this.shown) this.terminal?.write('\r\u001b[K');
    this.shown = false;
  }

  private draw(text: string): void {
    if (this.terminal === null) return;
    this.shown = true;
    this.terminal.write(`\r${cut(text, Math.max(20, this.terminal.columns - 1))}\u001b[K`);
  }
}
