import { contractVersion, methodEntry, mul, scorer } from '@tp/core'

/** A method that needs a trained value at each layer. */
function gained() {
  return scorer({
    name: 'gained',
    family: 'attention',
    params: { gain: { dims: [1], init: 1 } },
    score: (site) => mul(site.received, site.param.gain),
  })
}

export default { contractVersion, methods: [methodEntry(gained, 'keeps by received attention times a trained gain')] }
