import { type DropGolden, type Fixture, fixturesFolder, fixturesIn, goldens } from 'exported-encoders'

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
