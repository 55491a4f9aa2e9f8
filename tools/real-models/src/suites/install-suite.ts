import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { modelCache, realSuite, suiteFolder } from '../cache.ts'
import { checkOut } from './checkout.ts'
import { suites } from './published.ts'
import type { SuiteName } from './suite.ts'

/** Makes the folder of a suite, whole or not at all. @throws TpError TP_MODELS */
export async function installSuite(name: SuiteName, signal: AbortSignal): Promise<void> {
  const folder = suiteFolder(name)
  await mkdir(dirname(folder), { recursive: true })
  const [checkout, waiting] = ['checkout', 'tmp'].map((end) => `${folder}.${randomUUID()}.${end}`) as [string, string]
  try {
    await checkOut(suites[name], join(modelCache(), 'clones'), checkout, signal)
    await mkdir(waiting)
    await suites[name].convert(checkout, waiting)
    // Another run may have been faster: its folder is as good.
    await rename(waiting, folder).catch((error: unknown) => {
      if (realSuite(name) === undefined) throw error
    })
  } finally {
    for (const own of [checkout, waiting]) await rm(own, { recursive: true, force: true })
  }
}
