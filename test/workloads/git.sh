# SPDX-License-Identifier: MIT
# Debian's git: init, add of 60 files, commits, branches, a merge with a conflict, log, diff, blame, stash, tag, gc, fsck, clone of a folder.
export HOME=$PWD GIT_AUTHOR_DATE="2024-01-01T00:00:00Z" GIT_COMMITTER_DATE="2024-01-01T00:00:00Z" GIT_PAGER=cat
git config --global user.email a@b; git config --global user.name n; git config --global init.defaultBranch main; git config --global advice.detachedHead false
git init -q r; cd r; for i in $(seq 1 60); do seq $i 200 >f$i; done; git add .; git commit -qm one; echo x >>f1; sed -i 5d f2; git diff --stat; git commit -qam two; git log --oneline --stat; git show --format=%s HEAD
git checkout -q -b side HEAD~1; sed -i '1s/.*/side/' f3; git commit -qam three; git checkout -q main; sed -i '1s/.*/main/' f3; git commit -qam four; git merge side; git diff --name-only --diff-filter=U; sed -i '/^[<=>]/d' f3; git add f3; git commit -qm merged; git log --graph --oneline
git blame f3 | head -n 3; echo wip >>f4; git stash -q; git status --short; git stash pop -q; git status --short; git checkout -q -- f4; git tag -a v1 -m v1; git describe; git ls-files | wc -l; git rm -q f9; git mv f10 g10; git status --short; git reset -q --hard; git cat-file -p HEAD | head -n 4
git gc -q; git fsck; git count-objects -v | grep -c in-pack; cd ..; git clone -q r c; cd c; git log --oneline | wc -l; git rev-parse HEAD; git grep -c '^199$' | wc -l; git archive HEAD | tar t | wc -l; git format-patch -1 --stdout HEAD~1 | wc -l; git bisect start -q 2>/dev/null; git reflog | wc -l
