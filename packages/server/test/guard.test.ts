import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { schedule } from '@tp/core'
import type { Guard } from '@tp/guard'
import { methods } from '@tp/method-attention'
import { mailData } from '@tp/models'
import { readRunPlan } from '@tp/plans'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Server, serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { mailModel } from './models.ts'

const folder = modelFolder()
let [dense, pruned] = ['', '']
const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** A guard by which every input falls back, of a calibration whose inputs were nothing like those of the tests. */
function writeGuard(models: Guard['models']): string {
  const guard: Guard = {
    format: 1,
    ...(models && { models }),
    cascade: {
      ...{ uncertainty: 'probability', threshold: 0, agreement: 0.9, confidence: 0.95 },
      ...{ examples: 300, disagreements: 5, remaining: 0, share: { estimate: 1, low: 0.9, high: 1 } },
    },
    monitor: { signals: { margin: Array.from({ length: 200 }, (_, i) => 1000 + i) } },
  }
  const path = folder.at('guard.json')
  writeFileSync(path, JSON.stringify(guard))
  return path
}

beforeAll(() => {
  dense = folder.add('dense', mailModel())
  pruned = folder.add('pruned', mailModel({ schedule: schedule(6, { keep: 0.1 }) }))
})

const start = (guard: string): Promise<Server> =>
  serve({
    models: [
      { path: pruned, threads: 1, guard: { path: guard, dense } },
      { path: dense, threads: 1 },
    ],
    port: 0,
    drainMs: 0,
  })

describe('a guarded model', () => {
  test('answers as the dense one where it is uncertain, and counts fallbacks and alarms', async () => {
    await using server = await start(writeGuard({ pruned: hash(pruned), dense: hash(dense) }))
    const ask = asking(server)
    for (let i = 0; i < 12; i++) {
      const inputs = `offer ${i}: ${'free money and more '.repeat(i)}`
      const scores = async (model: string): Promise<number[]> =>
        (await ask('/predict', { inputs, model })).body.map(({ score }: { score: number }) => score)
      const [guarded, alone] = [await scores('pruned'), await scores('dense')]
      expect(guarded[0]).toBeCloseTo(alone[0] as number, 5)
    }
    const { body } = await ask('/metrics')
    expect(body).toMatch(/^tp_fallbacks_total\{model="pruned"\} 12$/m)
    expect(body).toMatch(/^tp_drift_alarms_total\{model="pruned",signal="margin"\} [1-9]/m)
  })

  test('refuses the guard of another file', async () => {
    const guard = writeGuard({ pruned: hash(dense), dense: hash(dense) })
    await expect(start(guard)).rejects.toThrow(expect.objectContaining({ code: 'TP_GUARD' }))
  })
})

describe('a model with a plan', () => {
  const long =
    mailData('test')
      .find(({ text }) => text.length > 800)
      ?.text.slice(0, 800) ?? ''

  test('prunes the model when it is opened: large runs answer as the pruned file, small ones as the dense one', {
    tags: 'exhaustive',
  }, async () => {
    const keep = { format: 1, method: 'received-attention', keep: 0.05, layers: [0] }
    const hard = folder.add('hard', mailModel({ schedule: schedule(6, { keep: 0.05, layers: [0] }) }))
    const regimes = [{ upTo: 32, plan: { format: 1, method: 'received-attention' } }, { plan: keep }]
    const plan = readRunPlan({ format: 1, regimes }, 'plan.json')
    const fallingBack = readRunPlan({ format: 1, regimes, cascade: { uncertainty: 'probability', threshold: 0 } }, '')
    await using server = await serve({
      models: [
        { name: 'planned', path: dense, threads: 1, plan, methods },
        { name: 'cascade', path: dense, threads: 1, plan: fallingBack, methods },
        { name: 'dense', path: dense, threads: 1 },
        { name: 'pruned', path: hard, threads: 1 },
      ],
      port: 0,
      drainMs: 0,
    })
    const ask = asking(server)
    const score = async (model: string, inputs: string): Promise<number> =>
      (await ask('/predict', { inputs, model, raw_scores: true })).body[0].score
    expect(await score('pruned', long)).not.toBeCloseTo(await score('dense', long), 2)
    expect(await score('planned', long)).toBeCloseTo(await score('pruned', long), 4)
    expect(await score('planned', 'lunch')).toBeCloseTo(await score('dense', 'lunch'), 4)
    expect(await score('cascade', long)).toBeCloseTo(await score('dense', long), 4)
    const { body } = await ask('/metrics')
    expect(body).toMatch(/^tp_fallbacks_total\{model="cascade"\} 1$/m)
    const versions = server.models.map(({ current }) => current.version)
    expect(new Set(versions).size).toBe(4)
  })

  test('refuses a plan together with a guard, and a method that is not known', async () => {
    const plan = readRunPlan({ format: 1, method: 'received-attention', keep: 0.5 }, 'plan.json')
    const open = (more: object) => serve({ models: [{ path: dense, plan, ...more }], port: 0 })
    await expect(open({ guard: { path: 'guard.json', dense } })).rejects.toMatchObject({ code: 'TP_OPTION' })
    await expect(open({})).rejects.toMatchObject({ code: 'TP_PLAN' })
  })
})
