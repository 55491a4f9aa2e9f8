import { type DropGolden, type Fixture, fixturesFolder, fixturesIn, goldens, openFixture } from 'exported-encoders'
import { inspect } from '../src/index.ts'

export {
  type DropGolden,
  dataSets,
  type Fixture,
  type FixtureFacts,
  openFixture,
  sharedFolder,
} from 'exported-encoders'

export const fixtures: readonly Fixture[] = fixturesIn(fixturesFolder)

export function fixture(name: string): Fixture {
  const found = fixtures.find((candidate) => candidate.name === name)
  if (found === undefined) throw new RangeError(`there is no fixture ${name}`)
  return found
}

/** Goldens of a fixture in which tokens were dropped (others merge them). */
export function dropGoldens(fixture: Fixture): DropGolden[] {
  return goldens(fixture).filter((golden): golden is DropGolden => golden.rule.method === 'prune')
}

const reports = new Map<string, ReturnType<typeof inspect>>()

/** What the compiler finds in a fixture; looked up once for all files of tests. */
export function inspectFixture(fixture: Fixture): ReturnType<typeof inspect> {
  const known = reports.get(fixture.name) ?? inspect(openFixture(fixture))
  reports.set(fixture.name, known)
  return known
}
