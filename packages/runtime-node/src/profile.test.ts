import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeModels } from '@tp/core/testing'
import { nodeRuntime, readProfile } from '@tp/runtime-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const { load } = nodeRuntime()
const feeds = { x: { type: 'float32', dims: [64, 64], data: new Float32Array(64 * 64) } }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-profile-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe.each([{ worker: false }, { worker: true }])('a profile, %j', (options) => {
  test('counts every operator of every run', async () => {
    const path = join(folder, 'profile.json')
    await using session = await load(runtimeModels.slowModel, { ...options, profile: path })
    for (let run = 0; run < 3; run++) await session.run(feeds)
    expect(await session.endProfile()).toBe(path)
    expect(await session.endProfile()).toBe(path)
    expect(await readdir(folder)).toEqual(['profile.json'])

    // The model is 24 MatMuls.
    const totals = await readProfile(path)
    expect(totals).toEqual([{ op: 'MatMul', count: 72, ms: expect.any(Number) }])
    const events: { name: string; dur: number }[] = JSON.parse(await readFile(path, 'utf8'))
    const runs = events.filter(({ name }) => name === 'model_run').reduce((ms, { dur }) => ms + dur / 1000, 0)
    expect(totals[0]?.ms).toBeGreaterThan(0)
    expect(totals[0]?.ms).toBeLessThan(runs)
  })

  test('writes the profile by disposal at the latest', async () => {
    const path = join(folder, 'profile.json')
    const session = await load(runtimeModels.slowModel, { ...options, profile: path })
    await session.run(feeds)
    await session.dispose()
    expect((await readProfile(path))[0]?.count).toBe(24)
    expect(await readdir(folder)).toEqual(['profile.json'])
  })

  test('does not write a profile of a refused model', async () => {
    const loading = load(new Uint8Array(3), { ...options, profile: join(folder, 'profile.json') })
    await expect(loading).rejects.toMatchObject({ code: 'TP_MODEL_LOAD' })
    expect(await readdir(folder)).toEqual([])
  })

  test('requires an existing folder', async () => {
    const loading = load(runtimeModels.slowModel, { ...options, profile: join(folder, 'none', 'profile.json') })
    await expect(loading).rejects.toMatchObject({ code: 'TP_NOT_WRITABLE' })
  })
})

test('refuses a file that is not a profile', async () => {
  const path = join(folder, 'other.json')
  await expect(readProfile(path)).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
  for (const text of ['{}', 'not JSON']) {
    await writeFile(path, text)
    await expect(readProfile(path)).rejects.toMatchObject({ code: 'TP_PROFILE' })
  }
})
