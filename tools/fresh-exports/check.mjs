// Prunes each export in a folder and verifies it: node tools/fresh-exports/check.mjs FOLDER. Exits with 1 if one gives wrong answers, or is refused though it should be pruned.
import { argv, stdout } from 'node:process'
import { pathToFileURL } from 'node:url'
import { verify } from '../../packages/compare/dist/index.js'
import { inspect, prune, transform } from '../../packages/compiler/dist/index.js'
import { isTpError, schedule } from '../../packages/core/dist/index.js'
import { receivedAttention } from '../../packages/method-attention/dist/index.js'
import { nodeRuntime } from '../../packages/runtime-node/dist/index.js'
import { fixturesIn, openFixture } from '../exported-encoders/dist/index.js'

/**
 * Compares an export pruned in its first two layers with itself: with every token kept, alone, in a batch and padded.
 * @param {import('exported-encoders').Fixture} fixture
 * @returns {Promise<{ refusal?: string, difference?: number, problem?: string }>} `problem`: what is wrong, in a sentence
 */
export async function checkExport(fixture) {
  const { prunable, layers } = fixture.facts
  try {
    const source = openFixture(fixture)
    const seen = inspect(source)
    if (!seen.ok) {
      const refusal = `${seen.refusal.code}: ${seen.refusal.message}`
      return prunable ? { refusal, problem: `is refused: ${refusal}` } : { refusal }
    }
    if (!prunable) return { problem: 'is not refused' }
    if (seen.layers.length !== layers) return { problem: `has ${seen.layers.length} sites in ${layers} layers` }
    const method = receivedAttention()
    const first = seen.layers.slice(0, 2).map(({ layer }) => layer)
    const own = schedule(layers, { layers: first, keep: 0.6 })
    const { model } = transform(source, prune({ method, schedule: own }))
    const { difference } = await verify(model, source, { runtime: nodeRuntime(), methods: [{ method }] })
    return { difference }
  } catch (error) {
    if (isTpError(error)) return { problem: `${error.code}: ${error.message}` }
    throw error
  }
}

async function main([folder = 'reports/fresh-exports']) {
  const fixtures = fixturesIn(folder)
  if (fixtures.length === 0)
    throw new Error(`${folder} has no exports; python tools/fresh-exports/export.py ${folder} makes them`)
  const results = []
  for (const fixture of fixtures) {
    const result = await checkExport(fixture)
    results.push(result)
    if (result.problem !== undefined) stdout.write(`${fixture.name} ${result.problem}\n`)
  }
  const wrong = results.filter(({ problem }) => problem !== undefined).length
  const refused = results.filter(({ refusal, problem }) => refusal !== undefined && problem === undefined).length
  const largest = Math.max(0, ...results.map(({ difference = 0 }) => difference))
  stdout.write(
    `${results.length} exports: ${results.length - refused - wrong} pruned, ${refused} refused, ${wrong} wrong\n`,
  )
  stdout.write(`largest difference with every token kept: ${largest.toExponential(1)}\n`)
  return wrong === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) process.exitCode = await main(argv.slice(2))
