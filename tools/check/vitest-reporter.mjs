import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * Writes the outcome of every test to the file that `TP_OUTCOMES` names, by project; what belongs to none under ''.
 * Vitest's own JSON reporter omits the reasons of skipped tests and the errors that belong to no test. Skipped tests
 * that are tagged `exhaustive` are only counted (`slow`).
 */
export default class OutcomeReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {Record<string, { outcomes: import('./outcome.mjs').Outcome[], slow: number }>} */
    const projects = {}
    const ofProject = (/** @type {string} */ name) => {
      projects[name] ??= { outcomes: [], slow: 0 }
      return projects[name]
    }
    for (const module of modules) {
      const project = ofProject(module.project.name)
      const { outcomes } = project
      const file = relative(process.cwd(), module.moduleId)
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'skipped' && test.tags.includes('exhaustive')) {
          project.slow += 1
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
    for (const error of unhandled) {
      const note = error.stack || error.message
      ofProject('').outcomes.push({ name: 'error outside of every test', state: 'failed', note })
    }
    writeFileSync(/** @type {string} */ (process.env.TP_OUTCOMES), JSON.stringify(projects))
  }
}
