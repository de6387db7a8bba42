"""What a simulated shop does wrong while servers are killed, as --fault has it."""
# It passes by itself.
PASSING = ('throttled', 'throttled-with-delay', 'internal', 'unavailable', 'hang')
# The call was done.
AFTER_WRITE = ('answer-lost', 'answer-never-comes')
# It ends a job, which is then started anew.
EXPIRED_TOKEN = 'expired-token'


def some(random, where, *kinds):
    """One or two of these kinds, each once, in the calls or at the pages `where`: fewer than a job gives up for."""
    return [f'{kind}:{random.choice(where)}:1' for kind in random.sample(kinds, random.randint(1, 2))]
