# SPDX-License-Identifier: MIT
# OpenJDK: its compiler, threads, three collectors, a heap that is too small, processes, files, exceptions.
java -XshowSettings:none -version 2>&1 | grep -c 'OpenJDK'
javac -d . $T/Main.java; ls
for gc in Serial G1 Z; do java -Xmx64m -XX:+Use${gc}GC -cp . Main work; done
java -Xint -cp . Main work; java -Xmx32m -cp . Main full; echo $?
java -cp . Main process; echo $?; java -cp . Main throw 2>&1 | grep -c 'IllegalStateException'
java -cp . Main files; java -cp . Main deep; java -cp . Main socket; java NoSuchClass >/dev/null 2>&1; echo $?
