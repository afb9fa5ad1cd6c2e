#!/usr/bin/env node
/** Runs a TypeScript program of the repository, compiled: `node services/shared/build/run.mjs FILE.ts …` */
import { pathToFileURL } from 'node:url';
import { compileOrEnd, compiledPath } from './compile.mjs';

const [source, ...rest] = process.argv.slice(2);
await compileOrEnd(source);
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], compiledPath(source), ...rest];
await import(pathToFileURL(process.argv[1]).href);
