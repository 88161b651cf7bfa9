"""Writes a Snakefile of N stages with the fan-out of ours (10 chains that join): `python snakefile.py 1000 > Snakefile`."""
import sys

stages = int(sys.argv[1])
print("rule all:\n    input: [f'out/{i}.txt' for i in range(%d)]\n" % stages)
print("rule root:\n    output: 'out/0.txt'\n    shell: 'echo 0 > {output}'\n")
print("def maker(wildcards):\n    n = int(wildcards.n)\n    return f'out/{max(0, n - 10)}.txt'\n")
print("rule stage:\n    input: maker\n    output: 'out/{n,[1-9][0-9]*}.txt'\n    shell: 'echo {wildcards.n} > {output}'\n")
