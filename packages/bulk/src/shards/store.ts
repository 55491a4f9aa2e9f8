/** Where the files of shards are. A file there is whole, and never changes: whoever writes one of that name writes the same bytes. */
export interface Store {
  /** As users name it. */
  readonly name: string
  /** Makes sure that files can be put there, until disposed; then a folder with nothing in it is removed. @throws TpError TP_WRITE */
  prepare(): Promise<AsyncDisposable>
  /** Names of all files, and of whatever else is there, that begin so. @throws TpError TP_STORAGE */
  list(beginning?: string): Promise<string[]>
  /** @throws TpError TP_STORAGE */
  get(file: string): Promise<Buffer>
  /** Puts a file there, whole or not at all. @throws TpError TP_WRITE */
  put(file: string, bytes: Uint8Array): Promise<void>
  remove(file: string): Promise<void>
  /** Removes the place itself, if nothing is in it. */
  close(): Promise<void>
}
