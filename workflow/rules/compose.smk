rule compose:
    input:
        config=f"{OUT}/config/compose.json",
        clips=f"{OUT}/clips.parquet",
        prompts=prompt_files(cfg),
    output:
        seed_prompts=expand(f"{OUT}/seed_prompts/{{shard}}.parquet", shard=SHARDS),
    log:
        f"{OUT}/logs/compose.log",
    benchmark:
        f"{OUT}/benchmarks/compose.tsv"
    shell:
        "balsa compose --config {input.config} --clips {input.clips}"
        f" --out {OUT}/seed_prompts 2> >(tee {{log}} >&2)"
