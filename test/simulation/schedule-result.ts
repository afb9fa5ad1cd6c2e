/** What happened in schedules, by its name: for the summary. */
export type Counts = Readonly<Record<string, number>>;

export interface ScheduleResult {
  readonly counts: Counts;
  /** What a reader saw and must not; null where all is well. */
  readonly violation: string | null;
}
