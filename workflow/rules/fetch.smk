rule fetch:
    output:
        stamp="data/assets/{assets}.json",
    log:
        "data/assets/{assets}.log",
    wildcard_constraints:
        assets="demo",
    shell:
        "balsa fetch {wildcards.assets} 2> >(tee {log} >&2)"
