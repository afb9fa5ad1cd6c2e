import { Command } from 'commander';
import { bridgeReconcileCommand } from './bridge-reconcile.ts';
import { releaseCommand, resubmitCommand } from './bridge-carries.ts';
import { bridgeCreditsCommand } from './bridge-credits.ts';
import { bridgeStatusCommand } from './bridge-status.ts';

export const bridgeCommand = (command: Command): Command =>
  command
    .addCommand(bridgeStatusCommand(new Command('status')))
    .addCommand(bridgeReconcileCommand(new Command('reconcile')))
    .addCommand(releaseCommand(new Command('release')))
    .addCommand(resubmitCommand(new Command('resubmit')))
    .addCommand(bridgeCreditsCommand(new Command('credits')));
