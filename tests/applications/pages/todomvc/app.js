// TodoMVC, written for the browser build of Vue: a list that is kept in localStorage and filtered by the address.
import {createApp, ref, computed, watchEffect} from "vue";

const KEY = "todos-vue";
const filters = {
  all: () => true,
  active: (todo) => !todo.completed,
  completed: (todo) => todo.completed,
};

createApp({
  setup() {
    const todos = ref(JSON.parse(localStorage.getItem(KEY) || "[]"));
    const visibility = ref("all");
    const filtered = computed(() => todos.value.filter(filters[visibility.value]));
    const remaining = computed(() => todos.value.filter(filters.active).length);
    const route = () => {
      const name = location.hash.replace(/^#\/?/, "") || "all";
      if (filters[name]) visibility.value = name;
      document.title = `${name} · TodoMVC on ${location.hostname}`;
    };
    watchEffect(() => localStorage.setItem(KEY, JSON.stringify(todos.value)));
    window.addEventListener("hashchange", route);
    route();
    const add = (event) => {
      const title = event.target.value.trim();
      if (title) todos.value.push({id: todos.value.length, title, completed: false});
      event.target.value = "";
    };
    const clear = () => (todos.value = todos.value.filter(filters.active));
    return {todos, visibility, filtered, remaining, add, clear};
  },
  template: `
    <header class="header">
      <h1>todos</h1>
      <input class="new-todo" autofocus placeholder="What needs to be done?" @keyup.enter="add">
    </header>
    <main class="main" v-show="todos.length">
      <ul class="todo-list">
        <li v-for="todo in filtered" :key="todo.id" :class="['todo', {completed: todo.completed}]">
          <div class="view">
            <input class="toggle" type="checkbox" v-model="todo.completed">
            <label>{{ todo.title }}</label>
          </div>
        </li>
      </ul>
    </main>
    <footer class="footer" v-show="todos.length">
      <span class="todo-count"><strong>{{ remaining }}</strong> left</span>
      <ul class="filters">
        <li v-for="name in ['all', 'active', 'completed']"><a :href="'#/' + name" :class="{selected: visibility === name}">{{ name }}</a></li>
      </ul>
      <button class="clear-completed" @click="clear" v-show="todos.length > remaining">Clear completed</button>
    </footer>`,
}).mount("#app");
