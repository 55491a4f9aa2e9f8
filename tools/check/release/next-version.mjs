import getReleasePlan from '@changesets/get-release-plan'
import { judged } from '../outcome.mjs'
import { root } from '../workspace.mjs'
import { problemsOfPlan } from './problems.mjs'

/** @returns {Promise<import('../outcome.mjs').Outcome>} that changesets give the next version which they ask for */
export async function checkNextVersion() {
  return judged('the next version', problemsOfPlan(await plannedReleases()))
}

/** The releases that the changesets lead to; private packages keep their versions. */
export async function plannedReleases() {
  const { changesets, releases } = await getReleasePlan(root)
  return { changesets, releases: releases.filter(({ type }) => type !== 'none') }
}
