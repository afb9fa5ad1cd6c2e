import { UserError } from '../../shared/process/errors.ts';
import type { Column, RowWriter } from './column.ts';
import { csvForMachines, csvForPeople } from './csv.ts';
import type { ExportRow } from './export-row.ts';
import { azureStackLayout } from './layouts/azure-stack-layout.ts';
import type { ExportContext } from './layouts/export-context.ts';
import { focusLayout } from './layouts/focus-layout.ts';
import { usageLayout } from './layouts/usage-layout.ts';
import { ndjson } from './ndjson.ts';
import { parquet, type Decimals } from './parquet.ts';

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

export const LAYOUTS = ['usage', 'azure-stack', 'focus'] as const;
export type Layout = (typeof LAYOUTS)[number];

export const READERS = ['people', 'machines'] as const;
export type Reader = (typeof READERS)[number];

/** What the files of an export look like. */
export interface ExportKind {
  readonly format: Format;
  readonly layout: Layout;
  readonly reader: Reader;
  /** For Parquet alone. */
  readonly decimals: Decimals;
}

export const writerOf = ({ format, reader, decimals }: ExportKind): RowWriter => {
  if (format === 'csv') return reader === 'people' ? csvForPeople : csvForMachines;
  return format === 'ndjson' ? ndjson : parquet(decimals);
};

/** @throws UserError if the layout needs rates and there are none */
export const columnsOf = (layout: Layout, context: ExportContext): readonly Column<ExportRow>[] => {
  switch (layout) {
    case 'usage':
      return usageLayout(context);
    case 'azure-stack':
      return azureStackLayout(context);
    case 'focus': {
      if (context.prices !== null) return focusLayout(context, context.prices);
      throw new UserError(
        'The layout "focus" needs a rate file: give one with --rates, such as samples/rates.json',
      );
    }
  }
};

/** Azure Stack's script asks for a whole range at once: it has one row where others have one for each reported hour. */
export const isOfWholeRange = (layout: Layout): boolean => layout === 'azure-stack';
