import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * Writes the outcome of every test to the file that `TP_OUTCOMES` names. Vitest's own JSON reporter omits the reasons
 * of skipped tests and the errors that belong to no test. Skipped tests that are tagged `exhaustive` are one outcome.
 */
export default class OutcomeReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {import('./outcome.mjs').Outcome[]} */
    const outcomes = []
    let exhaustive = 0
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId)
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'skipped' && test.tags.includes('exhaustive')) {
          exhaustive += 1
          continue
        }
        const state = result.state === 'pending' ? 'failed' : result.state
        const note =
          result.state === 'skipped'
            ? result.note
            : result.state === 'pending'
              ? 'did not finish'
              : result.errors?.map((error) => error.message).join('\n')
        outcomes.push({ name: `${file} > ${test.fullName}`, state, ...(note ? { note } : {}) })
      }
      // Errors outside of tests: a file that does not load, a hook that throws.
      const suites = [...module.children.allSuites()].flatMap((suite) =>
        suite.errors().map((error) => ({ name: `${file} > ${suite.fullName}`, error })),
      )
      for (const { name, error } of [...module.errors().map((error) => ({ name: file, error })), ...suites]) {
        outcomes.push({ name, state: 'failed', note: error.message })
      }
    }
    if (exhaustive > 0) {
      outcomes.push({ name: `${exhaustive} slow tests`, state: 'skipped', note: 'npm test -- exhaustive runs them' })
    }
    for (const error of unhandled) {
      outcomes.push({ name: 'error outside of every test', state: 'failed', note: error.stack || error.message })
    }
    writeFileSync(/** @type {string} */ (process.env.TP_OUTCOMES), JSON.stringify(outcomes))
  }
}
