import { Command } from 'commander';
import { discard, redrive } from '../dead-letters/change.ts';
import { list, show } from '../dead-letters/look.ts';
import { code, several, wholeNumber } from '../dead-letters/options.ts';
import { time } from '../time-option.ts';

const filtered = (command: Command): Command =>
  command
    .option('--code <code>', 'only those refused for this reason (may be repeated)', code)
    .option('--topic <topic>', 'only those of this topic (may be repeated)', several)
    .option('--since <time>', 'only those reported at or after this time', time)
    .option('--until <time>', 'only those reported before this time', time);

const ONE = 'one dead letter: TOPIC/PARTITION/OFFSET or TOPIC/EPOCH/PARTITION/OFFSET';

const changing = (command: Command): Command =>
  filtered(command.argument('[dead-letter]', ONE))
    .option('--epoch <n>', 'which epoch of the topic (the newest that has it)', wholeNumber)
    .option('--yes', 'do it to all dead letters that match the filter')
    .option('--dry-run', 'only report what would be done');

export const dlqCommand = (command: Command): Command =>
  command
    .addCommand(
      filtered(new Command('list'))
        .description('show open dead letters, those that nobody has dealt with, by code')
        .option('--all', 'also show redriven and discarded ones')
        .option('--limit <n>', 'show at most this many', wholeNumber, 50)
        .option('--after <dead-letter>', 'continue after this one')
        .option('--json', 'as JSON')
        .action(list),
    )
    .addCommand(
      new Command('show')
        .description('show everything about a dead letter')
        .argument('<dead-letter>', ONE)
        .option('--epoch <n>', 'which epoch of the topic (the newest that has it)', wholeNumber)
        .option('--all-bytes', 'show every byte of it')
        .option('--json', 'as JSON, key and value in base64')
        .action(show),
    )
    .addCommand(
      changing(new Command('redrive'))
        .description('send dead letters again, with the right key and to the right partition')
        .option('--reason <text>', 'why')
        .option('--force', 'also send those that would be refused again, or have been dealt with')
        .action(redrive),
    )
    .addCommand(
      changing(new Command('discard'))
        .description('record that dead letters will never count')
        .requiredOption('--reason <text>', 'why')
        .option('--force', 'also discard those that have been dealt with')
        .action(discard),
    );
