declare module 'fs-native-extensions' {
  /** Locks a whole file for its open file description (Linux: OFD lock). False if another one holds it. */
  const extensions: { tryLock: (fileDescriptor: number) => boolean };
  export default extensions;
}
