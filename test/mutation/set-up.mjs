import fc from 'fast-check';

// The same few examples for each mistake, and no search for the smallest that shows it.
fc.configureGlobal({ seed: 1, numRuns: 30, endOnFailure: true });
