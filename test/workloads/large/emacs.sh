# SPDX-License-Identifier: MIT
# emacs without a screen, and on a terminal that `script` makes: Lisp, byte compilation, processes, files, macros.
export HOME=$PWD TERM=xterm LC_ALL=C.UTF-8
e() { emacs -Q --batch "$@" 2>&1; }
e --eval '(princ (format "%s\n" (mapcar (lambda (x) (* x x)) (number-sequence 1 10))))'
e --eval '(princ (format "%d\n" (expt 3 200)))' --eval '(princ (concat (upcase "straße") "\n"))'
echo '(defun f (n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (provide (quote g))' >g.el; e -f batch-byte-compile g.el | grep -v '^Loading'; ls g.elc
e -L . -l g.elc --eval '(princ (format "%d\n" (f 18)))'
e --eval '(princ (shell-command-to-string "echo from the shell"))'
e --eval '(let ((p (start-process "c" "b" "cat"))) (process-send-string p "hello\n") (process-send-eof p) (while (accept-process-output p 2)) (princ (with-current-buffer "b" (buffer-string))))' | grep hello
printf 'b\na\nc\n' >l; e l --eval '(progn (sort-lines nil (point-min) (point-max)) (save-buffer))' | grep -v Wrote; cat l
e --eval '(with-temp-buffer (insert "x 1\ny 22\n") (align-regexp 1 (point-max) "\\(\\s-*\\)[0-9]") (princ (buffer-string)))'
e --eval '(dolist (f (directory-files "/etc" nil "^pass")) (princ (concat f "\n")))'
e --eval '(progn (garbage-collect) (princ (length (make-list 100000 0))) (terpri))'; e --eval '(kill-emacs 5)'; echo $?
e --eval '(error "Oops")'; echo $?
sleep 15 | script -qec 'stty rows 20 cols 60; emacs -Q -nw --eval "(run-at-time 1 nil (lambda () (erase-buffer) (insert \"typed\") (redisplay t) (write-file \"out\") (kill-emacs 3)))"' screen >/dev/null
cat out; grep -c typed screen | awk '{ print ($1 > 0) }'
