import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DropGolden, type Fixture, fixturesIn, goldens, sharedFolder } from 'exported-encoders'

export {
  type DropGolden,
  dataSets,
  type Fixture,
  type FixtureFacts,
  openFixture,
  sharedFolder,
} from 'exported-encoders'

const here = fileURLToPath(new URL('../fixtures', import.meta.url))

/** The fixtures of this package, and those of the shared folder where it is there. */
export const fixtures: readonly Fixture[] = [...fixturesIn(here), ...fixturesIn(join(sharedFolder, 'fixtures'))].filter(
  (fixture, i, all) => all.findIndex(({ name }) => name === fixture.name) === i,
)

export function fixture(name: string): Fixture {
  const found = fixtures.find((candidate) => candidate.name === name)
  if (found === undefined) throw new RangeError(`there is no fixture ${name}`)
  return found
}

/** Goldens of a fixture in which tokens were dropped (others merge them). */
export function dropGoldens(fixture: Fixture): DropGolden[] {
  return goldens(fixture).filter((golden): golden is DropGolden => golden.rule.method === 'prune')
}
