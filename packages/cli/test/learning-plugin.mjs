import { contractVersion, methodEntry, mul, scorer, sigmoid } from '@tp/core'

/** A method that learns which tokens to keep, and not how many. */
function gated() {
  return scorer({
    name: 'gated',
    family: 'attention',
    params: { gain: { dims: [1], init: 1, range: [0.9, 1.1] } },
    score: (site) => mul(site.received, site.param.gain),
    training: {
      soften(site) {
        return { kept: site.obey(sigmoid(mul(site.received, site.param.gain))) }
      },
    },
  })
}

export default { contractVersion, methods: [methodEntry(gated, 'keeps by received attention times a gain')] }
