/** Key, hash of the bytes of a shard that is done, extension. */
export const SHARD_NAME: RegExp = /^([0-9a-f]{64})(?:-([0-9a-f]{64}))?(\.[a-z.]+)$/

/** Whether a file is a shard of some run, and not data. */
export function isShardName(file: string): boolean {
  return SHARD_NAME.exec(file)?.[2] !== undefined
}
