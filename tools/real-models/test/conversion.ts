import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'

/** Two folders for each test of a conversion: the files checked out, and a suite that is made of them. */
export function conversion(): {
  readonly checkout: string
  readonly suite: string
  /** A file of the suite. */
  text(name: string): Promise<string>
} {
  let checkout = ''
  let suite = ''
  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'tp-suites-'))
    suite = join(checkout, 'out')
    await mkdir(suite)
  })
  afterEach(() => rm(checkout, { recursive: true }))
  return {
    get checkout() {
      return checkout
    },
    get suite() {
      return suite
    },
    text: (name) => readFile(join(suite, name), 'utf8'),
  }
}
