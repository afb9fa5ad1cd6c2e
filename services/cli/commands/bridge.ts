import { Command } from 'commander';
import { bridgeStatusCommand } from './bridge-status.ts';

export const bridgeCommand = (command: Command): Command =>
  command.addCommand(bridgeStatusCommand(new Command('status')));
