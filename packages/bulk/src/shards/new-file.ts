import { link, open, rename, rm } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { moveInto, writeError, writeWhole } from '@tp/data/files'

/**
 * Writes a new file that appears whole, or not at all. A file that has the name by then remains, whoever has put it there.
 * @param waiting what it is called until then; one that a killed process has left there is removed
 * @throws TpError TP_OUTPUT if there is one; TP_WRITE
 */
export async function writeNew(path: string, pieces: AsyncIterable<Uint8Array>, waiting: string): Promise<void> {
  try {
    // Not written over: the output of a process that was killed right after it was named has this name, too.
    await rm(waiting, { force: true })
    await writeWhole(waiting, pieces)
    await moveInto(waiting, path, nameExclusively)
  } catch (cause) {
    await rm(waiting, { force: true })
    throw cause instanceof TpError ? cause : writeError(path, cause)
  }
}

/** Gives a file a name that no other has. */
async function nameExclusively(waiting: string, path: string): Promise<void> {
  try {
    await link(waiting, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error
      // A file system without links: the name is taken by an empty file first.
      await (await open(path, 'wx')).close()
      await rename(waiting, path)
    })
    await rm(waiting, { force: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    const advice = 'move it away, and run this again with --resume: all shards are kept'
    throw new TpError(
      'TP_OUTPUT',
      'bulk',
      `${path} has come into being during the run, and is not replaced; ${advice}`,
      {
        cause,
      },
    )
  }
}
