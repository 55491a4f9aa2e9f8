// The stand-in for `vitest` in a bundle for a page: its own runner and matchers, without the process around them.
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect'
import { startTests, type Test, type VitestRunner } from '@vitest/runner'
import { getTests } from '@vitest/runner/utils'

export { describe, test } from '@vitest/runner'

for (const matchers of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(matchers)

export const { expect } = chai

export interface TestOutcome {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** The report of a test that has failed. */
  readonly problem: string
}

/** Runs the tests that `register` registers. */
export async function runTests(register: () => void): Promise<TestOutcome[]> {
  const runner: VitestRunner = {
    config: {
      root: '/',
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: true,
      sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: register,
    // Where a test blocks the page, this is how it is known which.
    onBeforeTryTask: ({ name }) => console.info(name),
  }
  const files = await startTests(['page'], runner)
  const broken = files.flatMap(({ result }) => result?.errors ?? []).map(({ message }) => message)
  if (broken.length > 0) throw new Error(broken.join('\n'))
  return getTests(files).map(outcome)
}

function outcome(test: Test): TestOutcome {
  const names = [test.name]
  for (let { suite } = test; suite !== undefined; suite = suite.suite) names.unshift(suite.name)
  const state = test.mode === 'skip' ? 'skipped' : test.result?.state === 'pass' ? 'passed' : 'failed'
  const problems = test.result?.errors?.map(({ message, diff }) => [message, diff].filter(Boolean).join('\n'))
  return { name: names.join(' > '), state, problem: problems?.join('\n') ?? 'did not run' }
}
