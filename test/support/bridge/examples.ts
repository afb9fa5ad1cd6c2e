import { HOUR_MILLIS, type Hour } from '../../../services/shared/model/time.ts';

const MIDNIGHT = Date.UTC(2026, 0, 10);
export const hour = (n: number): Hour => (MIDNIGHT + n * HOUR_MILLIS) as Hour;

export const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
export const uriOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/${name}`;
